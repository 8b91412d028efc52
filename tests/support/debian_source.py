"""A made-up Asterisk source package with everything in it that has to be adapted."""

from __future__ import annotations

import io
import tarfile
from pathlib import Path
from typing import Mapping

ASTERISK = {
    ".version": "22.99.0\n",
    "third-party/versions.mak": "JANSSON_VERSION=2.15.0\nPJPROJECT_VERSION=2.17\n",
    "third-party/pjproject/pjproject-2.17.tar.bz2.md5": "0000  pjproject-2.17.tar.bz2\n",
    "codecs/Makefile": "SUB_DIRS := \\\n\t$(SUB_GSM) \\\n\t$(SUB_ILBC) \\\n\t$(SUB_LPC10)\n",
    "codecs/codec_ilbc.c": "int ilbc;\n",
    "main/asterisk.c": "int main(void) { return 0; }\n",
}
PJPROJECT = {
    "pjmedia/build/Makefile": "OBJS = alsa_dev.o bb10_dev.o bdimad_dev.o \\\n",
    "version.mak": "2.17\n",
}
MP3 = {"mpg123.h": "/* decoder */\n", "interface.c": '#include "asterisk.h"\n'}


def write_source_package(folder: Path) -> None:
    """Write the tarballs as Debian's source package has them."""
    stem = "asterisk_22.99.0+dfsg.orig"
    write_tar(folder / f"{stem}.tar.xz", {f"asterisk-22.99.0/{k}": v for k, v in ASTERISK.items()})
    write_tar(folder / f"{stem}-Xpjproject.tar.xz", {f"pjsip-1234abc/{k}": v for k, v in PJPROJECT.items()})
    write_tar(folder / f"{stem}-Xmp3.tar.xz", {f"asterisk-0.0.20240225/{k}": v for k, v in MP3.items()})
    write_tar(folder / f"{stem}-Xopus.tar.xz", {"asterisk-0.0.20211102/codecs/codec_opus.c": "int opus;\n"})


def write_tar(path: Path, files: Mapping[str, str]) -> None:
    """Write an xz-compressed tarball of text files."""
    with tarfile.open(path, "w:xz") as archive:
        for name, text in files.items():
            info = tarfile.TarInfo(name)
            info.size, info.mtime, info.uname = len(text), 1_700_000_000, "packager"
            archive.addfile(info, io.BytesIO(text.encode()))
