"""The one door of the suite: who calls, what they may do, where it goes. It knows no duty of any service."""
