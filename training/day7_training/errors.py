"""The one exception for faults that the user can mend: a bad file, option or parameter.

Its message says what was expected, what came and where; the command line prints it without a
traceback and exits with code 2. Any other exception is a defect of this package.
"""


class UserError(Exception):
    pass
