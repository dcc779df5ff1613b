"""The office of residence registration and residence permits (居住登记、居住证)."""
