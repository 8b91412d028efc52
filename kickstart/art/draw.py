#!/usr/bin/env python3
"""Draw the boot menus' pictures and make GRUB's fonts; the results are kept beside this script.

Run it after a change of the design. It needs Pillow, grub-mkfont and the DejaVu fonts.
"""

from __future__ import annotations

import math
import subprocess
from pathlib import Path

from PIL import Image, ImageDraw, ImageFont

HERE = Path(__file__).parent
FONTS = Path("/usr/share/fonts/truetype/dejavu")
FINE = 3  # everything is drawn this much larger, then scaled down

TOP, BOTTOM = (16, 52, 66), (4, 18, 26)
MINT, TEXT, DIM = (127, 212, 193), (236, 244, 247), (127, 152, 165)
PANEL, EDGE = (4, 20, 29, 175), (127, 212, 193, 70)


class Sheet:
    """A drawing in final pixels, rendered FINE times larger."""

    def __init__(self, width: int, height: int) -> None:
        self.width, self.height = width, height
        self.image = gradient(width * FINE, height * FINE)

    def layer(self, paint: object) -> None:
        """Blend one translucent layer over the sheet."""
        over = Image.new("RGBA", self.image.size, (0, 0, 0, 0))
        paint(ImageDraw.Draw(over))  # type: ignore[operator]
        self.image = Image.alpha_composite(self.image, over)

    def save(self, name: str) -> None:
        """Scale down and write a plain RGB file: both boot loaders read that."""
        small = self.image.resize((self.width, self.height), Image.Resampling.LANCZOS)
        small.convert("RGB").save(HERE / name, optimize=True)


def gradient(width: int, height: int) -> Image.Image:
    """Return a soft vertical gradient."""
    column = Image.new("RGBA", (1, height))
    for y in range(height):
        share = (y / height) ** 0.8
        mixed = tuple(round(a + (b - a) * share) for a, b in zip(TOP, BOTTOM))
        column.putpixel((0, y), (*mixed, 255))
    return column.resize((width, height))


def scaled(*values: float) -> list[float]:
    """Return lengths in the fine drawing's pixels."""
    return [value * FINE for value in values]


def jack_field(sheet: Sheet, left: float, top: float, pitch: float) -> None:
    """Draw a patch panel's jacks, fading to the left, with three cords plugged in."""
    columns, rows = 16, 4

    def centre(column: int, row: int) -> tuple[float, float]:
        return left + column * pitch, top + row * pitch

    def paint(draw: ImageDraw.ImageDraw) -> None:
        for column in range(columns):
            alpha = round(95 * (column + 1) / columns)
            for row in range(rows):
                x, y = centre(column, row)
                radius = pitch * 0.17
                box = scaled(x - radius, y - radius, x + radius, y + radius)
                draw.ellipse(box, outline=(*MINT, alpha), width=FINE)
        for (c1, r1), (c2, r2) in (((3, 0), (8, 3)), ((6, 1), (12, 0)), ((10, 3), (14, 1))):
            cord(draw, centre(c1, r1), centre(c2, r2), pitch)

    sheet.layer(paint)


def cord(
    draw: ImageDraw.ImageDraw, start: tuple[float, float], end: tuple[float, float], pitch: float
) -> None:
    """Draw a hanging cord with a plug at both ends."""
    points = []
    for step in range(121):
        t = step / 120
        sag = math.sin(t * math.pi) * pitch * 0.9
        points.append(
            tuple(scaled(start[0] + (end[0] - start[0]) * t, start[1] + (end[1] - start[1]) * t + sag))
        )
    draw.line(points, fill=(*MINT, 170), width=round(2.2 * FINE), joint="curve")
    for x, y in (start, end):
        radius = pitch * 0.2
        draw.ellipse(scaled(x - radius, y - radius, x + radius, y + radius), fill=(*MINT, 255))


def brand(sheet: Sheet, left: float, top: float, size: float) -> None:
    """Draw the mark (four jacks, one connection) and the name."""

    def paint(draw: ImageDraw.ImageDraw) -> None:
        draw.rounded_rectangle(
            scaled(left, top, left + size, top + size), size * 0.22 * FINE, fill=(*MINT, 255)
        )
        near, far, radius = size * 0.31, size * 0.69, size * 0.105
        ink = (*BOTTOM, 255)
        line = scaled(left + near, top + far, left + far, top + near)
        draw.line(line, fill=ink, width=round(size * 0.085 * FINE))
        for x in (near, far):
            for y in (near, far):
                box = scaled(left + x - radius, top + y - radius, left + x + radius, top + y + radius)
                draw.ellipse(box, fill=ink)
        face = ImageFont.truetype(str(FONTS / "DejaVuSans-Bold.ttf"), round(size * 0.62 * FINE))
        where = ((left + size * 1.35) * FINE, (top + size * 0.5) * FINE)
        draw.text(where, "Switchroom", (*TEXT, 255), face, anchor="lm")

    sheet.layer(paint)


def panel(sheet: Sheet, box: tuple[float, float, float, float]) -> None:
    """Draw the panel the menu is written on."""
    sheet.layer(lambda draw: draw.rounded_rectangle(scaled(*box), 10 * FINE, PANEL, EDGE, FINE))


def bios() -> None:
    """Draw the background of vesamenu, 800x600; the panel fits the positions in loaders.py."""
    sheet = Sheet(800, 600)
    jack_field(sheet, 396, 40, 26)
    brand(sheet, 104, 56, 46)
    panel(sheet, (104, 146, 696, 400))
    panel(sheet, (104, 412, 696, 488))
    sheet.save("menu-bios.png")


def uefi() -> None:
    """Draw the background of GRUB's theme, 1024x768; the panel fits the shares in theme.txt."""
    sheet = Sheet(1024, 768)
    jack_field(sheet, 507, 52, 33)
    brand(sheet, 123, 74, 58)
    panel(sheet, (123, 192, 901, 560))
    sheet.save("menu-uefi.png")


def selection() -> None:
    """Draw the bar behind the selected entry; GRUB stretches it."""
    Image.new("RGB", (8, 8), MINT).save(HERE / "select_c.png")


def fonts() -> None:
    """Make GRUB's fonts, ASCII only."""
    for size in (16, 20):
        dest = HERE / f"DejaVuSans-{size}.pf2"
        face = FONTS / "DejaVuSans.ttf"
        subprocess.run(["grub-mkfont", "-s", str(size), "-r", "0x20-0x7e", "-o", dest, face], check=True)


if __name__ == "__main__":
    bios()
    uefi()
    selection()
    fonts()
