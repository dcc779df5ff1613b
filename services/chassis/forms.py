"""Forms: what was written out about a sample once, with holes where the sample's own values stood.

Who writes the same text about thousands of things has the models and rules write it about one of each kind and fills in the
rest: nothing says a second time what such a text consists of. A form is a text for `%` with a mapping.
"""

from collections.abc import Mapping

Form = str


def form_of(text: str, samples: Mapping[str, str]) -> Form:
    """The form a text about a sample makes: `samples` names the sample's values as they stand in the text, quotation marks
    included where they belong to the value. One that does not stand there leaves no hole.
    """
    form = text.replace("%", "%%")
    for name, sample in samples.items():
        form = form.replace(sample, f"%({name})s")
    return form
