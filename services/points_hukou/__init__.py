"""Points-based household registration (积分落户); for now it keeps a file per person, from the registry's events alone."""
