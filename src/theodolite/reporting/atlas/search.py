"""What the search box of the atlas finds: papers, claims, people, topics."""

from collections.abc import Iterable, Sequence

from theodolite.reporting.atlas.records import PaperView, Person, Topic

Entry = tuple[str, str, str, str]


def entries(views: Sequence[PaperView], persons: Iterable[Person], subjects: Iterable[Topic]) -> list[Entry]:
    """(kind, title, further words, page) of everything that can be found.

    They do not say what was measured, only what can be: so a new result changes no other page.
    """
    found: list[Entry] = []
    for view in views:
        record = view.record
        said = f"{view.key} {record.year} {record.arxiv} {record.also_titled}".strip() if record else view.key
        found.append(("paper", view.title, said, view.page))
    for view in views:
        cases = {claim.case: (claim.claim, claim.page) for claim in reversed(view.claims)}
        cases |= {missing.case: (missing.claim, f"{view.page}#{missing.anchor}") for missing in view.missing}
        found += [("claim", *_named(case, *cases[case])) for case in sorted(cases)]
    found += [("person", person.name, "", person.page) for person in persons]
    found += [("topic", subject.name, "", subject.page) for subject in subjects]
    return found


def _named(case: str, claim: str, page: str) -> tuple[str, str, str]:
    return claim, case, page
