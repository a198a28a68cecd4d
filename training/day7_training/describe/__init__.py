"""A table and the name of its target -> a proposed input schema, with reasons, for a person to edit."""
