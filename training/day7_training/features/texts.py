"""Texts that repeat, as categories: installs become the same installs with a code a row in place of each text.

Parts of the rows share the codes of the whole, so a frame that is cut into folds again and again has its
texts told apart only once.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pandas as pd
from pandas.api.types import is_object_dtype


def encode_texts(installs: pd.DataFrame) -> pd.DataFrame:
    """The installs with categories for texts; those that have them already are left as they are."""
    plain = [name for name, kind in installs.dtypes.items() if is_object_dtype(kind)]
    return installs.assign(**{name: _categories(installs[name]) for name in plain})


def distinct_texts(texts: pd.Series) -> tuple[np.ndarray, np.ndarray]:
    """A code for each row, -1 for null, and the texts they stand for: of a part of the rows, some may not occur."""
    if _is_encoded(texts):
        return texts.cat.codes.to_numpy(dtype=np.intp), texts.cat.categories.to_numpy()
    return pd.factorize(texts.to_numpy(dtype=object))


def group_by_text(texts: pd.Series, fold: Callable[[str], str]) -> tuple[np.ndarray, list[str]]:
    """A group number for each row and the sorted folded keys; group 0 is missing, key 0 is group 1."""
    codes, uniques = distinct_texts(texts)
    occurs = np.bincount(codes + 1, minlength=len(uniques) + 1)[1:] > 0
    folded = [fold(text) if there and text != "" else None for text, there in zip(uniques, occurs)]
    keys = sorted({key for key in folded if key is not None})
    number_of = {None: 0, **{key: number for number, key in enumerate(keys, 1)}}
    # The code of null is -1, and index -1 is the last value.
    return np.array([*(number_of[key] for key in folded), 0], dtype=np.int64)[codes], keys


def _categories(texts: pd.Series) -> pd.Categorical:
    codes, uniques = distinct_texts(texts)
    # As objects: pandas' own strings refuse what JSON allows, such as half of a surrogate pair.
    return pd.Categorical.from_codes(codes, categories=pd.Index(uniques, dtype=object))


def _is_encoded(texts: pd.Series) -> bool:
    return isinstance(texts.dtype, pd.CategoricalDtype)
