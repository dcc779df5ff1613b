"""What coordinators and their office do in the field. A visit by itself changes nothing in the register."""
