"""What runs on the appliance: health, switching engines, and coming back after a crash."""
