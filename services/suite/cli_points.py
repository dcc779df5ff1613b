"""`xinshimin points`: rule sets, and the score of one person by them – offline, without a running suite."""

# ruff: noqa: PLC0415 - importing a command's needs only when it runs keeps `xinshimin --help` quick

from pathlib import Path
from typing import Annotated

import typer

from services.suite.exits import ExitCode, SuiteError
from services.suite.options import AsJson

points = typer.Typer(
    help="Points: rule sets, scores with their explanation, replays. Needs no running suite.", no_args_is_help=True
)

Folder = Annotated[
    Path | None,
    typer.Option("--folder", help="A folder of rule sets of your own, beside those of the release.", show_default=False),
]


@points.command(name="rule-sets")
def rule_sets(
    name: Annotated[str | None, typer.Argument(help="Tell all about this one.", show_default=False)] = None,
    folder: Folder = None,
    *,
    as_json: AsJson = False,
) -> None:
    """List the rule sets held, or tell all about one of them: its items with their articles, and the facts it asks for."""
    from services.suite import points_files, points_screen
    from services.suite.screen import show

    texts = points_files.texts(folder)
    if name is None:
        held = [points_screen.overview(points_files.compiled(each, texts)) for each in texts]
        show(held, points_screen.lines_of_list(held), as_json=as_json)
    else:
        told = points_screen.whole(points_files.compiled(name, texts))
        show(told, points_screen.lines_of_rule_set(told), as_json=as_json)


@points.command()
def check(
    folder: Annotated[
        Path | None, typer.Argument(help="A folder of rule sets; without any, those of the release.", show_default=False)
    ] = None,
    *,
    as_json: AsJson = False,
) -> None:
    """Check rule sets: form, names, and that everything doubtful has a choice. Exit code 32 if anything is wrong."""
    from services.suite import points_files
    from services.suite.screen import show

    found = points_files.problems_in(folder)
    lines = [line for name, problems in found.items() for line in (f"{'BAD' if problems else 'ok '} {name}", *problems)]
    show({"ok": not any(found.values()), "rule_sets": found}, lines, as_json=as_json)
    if any(found.values()):
        raise typer.Exit(ExitCode.CHECK_FAILED)


@points.command()
def score(
    rule_set: Annotated[str, typer.Option("--rule-set", help="Id of the rule set, such as beijing-2020.")],
    facts: Annotated[Path, typer.Option("--facts", help="JSON with applied_on, facts and, if known, sources.")],
    service: Annotated[
        str | None, typer.Option(help="What the score is for, where there are several services.", show_default=False)
    ] = None,
    use_in: Annotated[
        str | None, typer.Option(help="Division in which it shall be used, such as 330282.", show_default=False)
    ] = None,
    choices: Annotated[
        Path | None, typer.Option(help="A choices.toml of your own; what it does not name stays.", show_default=False)
    ] = None,
    folder: Folder = None,
    save: Annotated[
        Path | None,
        typer.Option(help="Write the frozen assessment here, for `replay`. It holds personal data.", show_default=False),
    ] = None,
    *,
    as_json: AsJson = False,
) -> None:
    """Count one person's points and explain them: facts, rule, article and arithmetic of every component.

    Exit code 34 if the facts, the rule set or the choices cannot be used; each problem names its field and rules.
    """
    from services.points_hukou.rules.explaining import advice_of
    from services.points_hukou.rules.replaying import freeze
    from services.suite import points_files
    from services.suite.points_screen import lines_of_explanation
    from services.suite.screen import show

    texts, own = points_files.texts(folder), "" if choices is None else points_files.read(choices)
    assessment = points_files.assess(rule_set, texts, own, points_files.read_json(facts), service=service, use_in=use_in)
    frozen, help_ = freeze(assessment, texts, own), advice_of(assessment)
    if save is not None:
        points_files.write_new(save, frozen.model_dump_json(indent=2))
    told = {"score": frozen.score, "explanation": frozen.explanation, "what_would_help": help_}
    show(told, lines_of_explanation(frozen, help_), as_json=as_json)


@points.command()
def replay(
    file: Annotated[Path, typer.Argument(help="A frozen assessment, as `score --save` writes it.")], *, as_json: AsJson = False
) -> None:
    """Count a frozen assessment again, from what it holds alone. Exit code 35 if score or explanation is not the same."""
    from services.points_hukou.rules import replaying
    from services.suite import points_files
    from services.suite.points_screen import lines_of_replay, told_of_replay
    from services.suite.screen import show

    try:
        frozen = replaying.thaw(points_files.read_json(file))
        replayed = replaying.replay(frozen)
    except (ValueError, LookupError) as error:
        message = f"{file}: 不是可重算的评分 · no assessment that can be counted again: {error}"
        raise SuiteError(ExitCode.INPUT_REFUSED, message) from None
    told = told_of_replay(frozen, replayed, is_released=points_files.is_released(frozen))
    show(told, lines_of_replay(told), as_json=as_json)
    if not replayed.is_same:
        raise typer.Exit(ExitCode.REPLAY_DIFFERS)


@points.command()
def rank(
    file: Annotated[Path, typer.Argument(help="A ranking, as `GET /v1/points/rounds/{id}/ranking` gives it.")],
    *,
    as_json: AsJson = False,
) -> None:
    """Rank a round again, from what its file holds alone. Exit code 35 if ranks or cut are not the same."""
    from services.points_hukou.rules import round_replaying
    from services.points_hukou.rules.ranking import UndecidedCutError
    from services.suite import points_files
    from services.suite.points_ranking import lines_of_ranking, told_of_ranking
    from services.suite.screen import show

    try:
        frozen = round_replaying.thaw_ranking(points_files.read_json(file))
        again = round_replaying.rank_again(frozen)
    except (ValueError, LookupError, UndecidedCutError) as error:
        message = f"{file}: 不是可重算的排名 · no ranking that can be ranked again: {error}"
        raise SuiteError(ExitCode.INPUT_REFUSED, message) from None
    told = told_of_ranking(frozen, again)
    show(told, lines_of_ranking(told), as_json=as_json)
    if not again.is_same:
        raise typer.Exit(ExitCode.REPLAY_DIFFERS)


@points.command()
def simulate(  # noqa: PLR0913 - a command's parameters are its options
    rule_set: Annotated[str, typer.Option("--rule-set", help="Id of the rule set as it is.")],
    on: Annotated[str, typer.Option("--on", help="Law day on which everybody would apply, such as 2026-11-30.")],
    people: Annotated[
        Path | None,
        typer.Option(
            "--people", help="A person a line: JSON with facts and, if known, town, origin, industry.", show_default=False
        ),
    ] = None,
    made_up: Annotated[
        int | None, typer.Option("--made-up", min=1, max=2_000_000, help="So many people made up instead.", show_default=False)
    ] = None,
    changed: Annotated[
        str | None,
        typer.Option("--changed", help="Id of the rule set as it might be; without it, the same.", show_default=False),
    ] = None,
    changed_on: Annotated[
        str | None, typer.Option("--changed-on", help="Day under the changed rules; without it, the same.", show_default=False)
    ] = None,
    quota: Annotated[
        int | None, typer.Option("--quota", min=0, help="Places; without it, everybody who qualifies.", show_default=False)
    ] = None,
    changed_quota: Annotated[
        int | None, typer.Option("--changed-quota", min=0, help="Places under the changed rules.", show_default=False)
    ] = None,
    service: Annotated[
        str | None, typer.Option(help="What the score is for, where there are several services.", show_default=False)
    ] = None,
    seed: Annotated[int, typer.Option(help="Other people are made up with another seed.")] = 0,
    folder: Folder = None,
    *,
    as_json: AsJson = False,
) -> None:
    """Try a changed rule set, quota or day on everybody: who gains, who loses, where the cut lies.

    By town, origin, age and industry. Numbers of people alone are told, and no small ones. Exit code 34 if
    something given cannot be used.
    """
    from services.points_hukou.rules.simulation import Variant
    from services.suite import points_files, points_trying
    from services.suite.screen import LineProgress, show

    texts = points_files.texts(folder)
    if (people is None) == (made_up is None):
        raise SuiteError(ExitCode.INPUT_REFUSED, "请给出 --people 或 --made-up 之一 · give one of --people and --made-up")
    before = Variant(points_files.compiled(rule_set, texts), points_files.day(on, "--on"), quota, service)
    after = Variant(
        points_files.compiled(changed or rule_set, texts),
        points_files.day(changed_on or on, "--changed-on"),
        quota if changed_quota is None else changed_quota,
        service,
    )
    if people is not None:
        everybody = points_trying.read_people(people, before, after)
    else:
        everybody = points_trying.invented(before, after, made_up or 0, seed)
    with LineProgress("计分 counting") as progress:
        simulation = points_trying.tried(
            before, after, everybody, lambda counted: progress.advance("人次 people", 2 * everybody.before.size, counted)
        )
    lines = list(points_trying.lines_of(simulation, before.rule_set, after.rule_set))
    show(points_trying.told_of(simulation), lines, as_json=as_json)
