"""The duties of the city towards the people who move to it, and the ground they stand on."""
