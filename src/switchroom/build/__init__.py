"""Facts to artefacts: sources, packages, signed channels, kickstarts and the installer image."""
