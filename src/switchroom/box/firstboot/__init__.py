"""The first boot: the site playbook applied to this very box once, however often the power goes."""
