"""What is shown while a network is trained, and of models and runs in notebooks."""

import json
import sys
import time
from html import escape


def listeners(callbacks, verbose):
    """One function that takes events as JSON and says whether to stop, or None if nobody listens."""
    all_of_them = list(callbacks or [])
    if verbose:
        all_of_them.append(Progress())
    if not all_of_them:
        return None

    def listen(text):
        event = json.loads(text)
        # Everybody hears it, whoever wants to stop.
        return any([listener(event) is True for listener in all_of_them])

    return listen


class Progress:
    """A line that follows training: on standard error, or below a notebook's cell."""

    def __init__(self, stream=None, pause=0.1):
        self._stream = sys.stderr if stream is None else stream
        self._pause = pause
        self._shown = 0.0
        self._epochs = 0
        self._best = None
        self._handle = None if stream is not None else _notebook()
        self._live = self._handle is not None or self._stream.isatty()

    def __call__(self, event):
        kind = event["event"]
        if kind == "run_of_series":
            self._best = None
            self._write(f"{event['by']} {event['number']}  (run {event['position'] + 1} of {event['of']})", end=True)
        elif kind == "run_started":
            self._epochs = event["epochs"]
        elif kind == "epoch_ended":
            self._best = event["epoch"] if event["best"] else self._best
            if self._live and time.monotonic() - self._shown >= self._pause:
                self._shown = time.monotonic()
                self._write(self._line(event))
        elif kind == "warning":
            self._write(f"warning: {event['message']}", end=True)
        elif kind == "finished":
            metrics = event["metrics"]["dev"] or event["metrics"]["train"]
            told = "".join(f"  {name} {value['value']:.4f}" for name, value in list(metrics.items())[:1])
            part = "dev" if event["metrics"]["dev"] else "train"
            line = f"{event['epochs']} epochs, best {event['best_epoch']}, {event['seconds']:.1f} s, {part}{told}"
            self._write(f"{line} ({event['reason']})", end=True)

    def _line(self, event):
        dev = "" if event["dev_loss"] is None else f"  dev loss {event['dev_loss']:.4f}"
        done = event["epoch"] / max(self._epochs, 1)
        bar = ("█" * round(20 * done)).ljust(20, "·")
        return f"{bar} {event['epoch']}/{self._epochs}  cost {event['cost']:.4f}{dev}  best {self._best}"

    def _write(self, line, end=False):
        if self._handle is not None:
            self._handle.update(_Text(line))
        elif self._live:
            self._stream.write("\r\x1b[2K" + line + ("\n" if end else ""))
            self._stream.flush()
        elif end:
            print(line, file=self._stream)


class _Text:
    """A line of text as a notebook shows it."""

    def __init__(self, line):
        self._line = line

    def __repr__(self):
        return self._line

    def _repr_html_(self):
        return f"<pre style='margin:0'>{escape(self._line)}</pre>"


def _notebook():
    """A place below the cell that is running, in a notebook; None elsewhere."""
    shell = sys.modules.get("IPython")
    shell = shell.get_ipython() if shell is not None else None
    if type(shell).__name__ != "ZMQInteractiveShell":
        return None
    from IPython.display import display

    return display(_Text("…"), display_id=True)


def model_html(model):
    """A model as a notebook shows it: what it does, and its layers."""
    head = f"{model.task} of {', '.join(map(str, model.targets))}, {model.parameters:,} parameters"
    layers = [(row["name"], row["description"], row["output"], f"{row['parameters']:,}") for row in model.layers]
    return f"<p><b>Model</b>: {escape(head)}</p>" + _table(("layer", "what", "output", "parameters"), layers)


def run_html(run, figures):
    """A run as a notebook shows it: metrics, learning curves, what was decided, and its model."""
    parts = {part: metrics for part, metrics in run.metrics.items() if metrics}
    names = list(dict.fromkeys(name for metrics in parts.values() for name in metrics))
    cells = [(name, *(_metric(metrics.get(name)) for metrics in parts.values())) for name in names]
    curves = "".join(f"<div style='max-width:640px'>{svg}</div>" for svg in list(figures.values())[:1])
    decided = [(decision["what"], decision["why"], decision["flag"]) for decision in run.decisions]
    details = f"<details><summary>decided for you</summary>{_table(('what', 'why', 'otherwise'), decided)}</details>"
    head = f"<p><b>Run</b>: {len(run.history)} epochs, {escape(str(run.end))}</p>"
    return head + _table(("metric", *parts), cells) + curves + details + model_html(run.model)


def _metric(metric):
    if metric is None:
        return ""
    interval = "" if metric["low"] is None else f" ({metric['low']:.4g}–{metric['high']:.4g})"
    return f"{metric['value']:.4g}{interval}"


def _table(head, rows):
    line = "".join(f"<th style='text-align:left'>{escape(str(cell))}</th>" for cell in head)
    body = "".join("<tr>" + "".join(f"<td>{escape(str(cell))}</td>" for cell in row) + "</tr>" for row in rows)
    return f"<table><tr>{line}</tr>{body}</table>"
