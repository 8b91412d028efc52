"""The crash campaign: kills a box at many instants of a switch, and judges what comes back.

docs/crash-campaign.md says what a trial does, what the verdict demands, and what was measured.
"""
