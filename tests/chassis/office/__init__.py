"""A small service with no duty: notes. It exercises the whole chassis through its public interface."""
