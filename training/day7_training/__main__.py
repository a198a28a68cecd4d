"""`python -m day7_training`: the command line."""

from .cli import main

raise SystemExit(main())
