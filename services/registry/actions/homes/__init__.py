"""What an office can do about homes: register them with their landlords and letters, check people in and out."""
