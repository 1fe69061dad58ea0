"""What every block of params is made of."""

from __future__ import annotations

from typing import Annotated

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

Flag = Annotated[bool, Field(strict=True)]
Count = Annotated[int, Field(ge=0, strict=True)]
Positive = Annotated[int, Field(ge=1, strict=True)]
Ratio = Annotated[float, Field(ge=0.0, le=1.0)]
Rate = Annotated[float, Field(gt=0.0, le=1.0)]
Name = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9_.-]*$")]


def _without_dot(name: str) -> str:
    if "." in name:
        raise ValueError(f"{name!r} is a key, and a dot in a key is a level to DVC; write {name.replace('.', '-')!r}")
    return name


Key = Annotated[Name, AfterValidator(_without_dot)]  # a name that DVC looks up in params.yaml, as each of a `foreach`


class Block(BaseModel):
    """A block that refuses keys it does not know."""

    model_config = ConfigDict(extra="forbid", frozen=True)
