"""The arrow of time in language: whether a text is easier to predict forwards or backwards."""

__all__: list[str] = []
