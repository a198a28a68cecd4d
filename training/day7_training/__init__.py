"""Trains a revenue model and writes it as a bundle.

The bundle (docs/bundle.md) is all that passes from here to the service. Run
`python -m day7_training --help` for the commands.
"""
