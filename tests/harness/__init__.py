"""Five harnesses that try to break the portal and print figures: race, crash, machine, surface, weather."""
