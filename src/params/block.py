"""What every block of params is made of."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

Settings = dict[str, Any]  # of a YAML file, before its schema has checked them
Flag = Annotated[bool, Field(strict=True)]
_MOST = 2**31 - 1  # what NumPy, torch and every counter hold
Count = Annotated[int, Field(ge=0, le=_MOST, strict=True)]
Positive = Annotated[int, Field(ge=1, le=_MOST, strict=True)]
Number = Annotated[float, Field(allow_inf_nan=False, strict=True)]  # no text such as "1", and no `true`
Ratio = Annotated[Number, Field(ge=0.0, le=1.0)]
Rate = Annotated[Number, Field(gt=0.0, le=1.0)]
Name = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9_.-]*$")]


def _without_dot(name: str) -> str:
    if "." in name:
        raise ValueError(f"{name!r} is a key, and a dot in a key is a level to DVC; write {name.replace('.', '-')!r}")
    return name


Key = Annotated[Name, AfterValidator(_without_dot)]  # a name that DVC looks up in params.yaml, as each of a `foreach`


class Block(BaseModel):
    """A block that refuses keys it does not know."""

    model_config = ConfigDict(extra="forbid", frozen=True)
