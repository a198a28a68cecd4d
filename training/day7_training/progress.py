"""Progress bars on stderr, where that is a terminal; elsewhere, but for notebooks, nothing is drawn.

A Progress is told what is being done and of how many steps; the context that it gives yields a function
to be called after each step.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext

from tqdm import tqdm

Step = Callable[[], object]
Progress = Callable[[str, int], AbstractContextManager[Step]]


@contextmanager
def bar(title: str, steps: int) -> Iterator[Step]:
    """Gone when it is done; early stopping may leave it short of its end."""
    with tqdm(total=steps, desc=title, disable=None, leave=False, dynamic_ncols=True) as drawn:
        yield drawn.update


@contextmanager
def notebook_bar(title: str, steps: int) -> Iterator[Step]:
    """The same for a notebook, which is no terminal but is looked at."""
    with tqdm(total=steps, desc=title, leave=False, ncols=80, mininterval=0.5) as drawn:
        yield drawn.update


def no_progress(title: str, steps: int) -> AbstractContextManager[Step]:
    return nullcontext(lambda: None)
