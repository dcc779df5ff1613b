"""Attachments, without a service: cipher, kinds, stores."""
