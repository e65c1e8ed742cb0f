"""The outside world behind the ports. Only bootstrap imports from here."""
