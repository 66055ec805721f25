"""Applies every rule to the tree and prints `path:line: rule: what to do`. Status 1 if anything was found."""

import sys
from collections.abc import Iterable, Iterator

from tools.house_rules import effects, honesty, mirror, shape, vocabulary
from tools.house_rules.source import Finding, Source, tree

RULES = (
    shape.short_functions,
    shape.short_files,
    shape.subject_names,
    shape.imports_at_the_top,
    shape.no_type_checking,
    shape.named_parameters,
    vocabulary.plain_names,
    vocabulary.plain_openings,
    effects.sql_in_store,
    effects.clock_at_the_rim,
    effects.tenant_in_every_statement,
    honesty.no_skipped_tests,
    honesty.no_sleeping_tests,
    honesty.no_registry_hosts,
    honesty.no_machine_paths,
)
TREE_RULES = (vocabulary.unique_classes, mirror.mirrored_tests, shape.whole_files)


def findings(sources: Iterable[Source]) -> Iterator[Finding]:
    """Yield the breaches of every rule, file by file, then those of the whole tree."""
    tree_of_sources = list(sources)
    for source in tree_of_sources:
        for rule in RULES:
            yield from rule(source)
    for tree_rule in TREE_RULES:
        yield from tree_rule(tree_of_sources)


def main() -> int:
    """Returns the exit status."""
    found = sorted(findings(tree()))
    for finding in found:
        print(finding)
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
