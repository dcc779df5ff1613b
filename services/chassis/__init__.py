"""The ground every service stands on; it knows web, database and bus, and no word of any duty."""
