def moment(cell, form):
    """The date and time of a cell, on UTC's clock where it has an offset; None where it is missing."""
    if text(cell) is None:
        return None
    if not isinstance(cell, datetime):
        cell = datetime.fromisoformat(text(cell)) if form is None else datetime.strptime(text(cell), form)
    return cell.astimezone(timezone.utc).replace(tzinfo=None) if cell.tzinfo else cell


def datetimes(cells, form, scale, clock=False, missing=False):
    """The year with the share of it that has passed, scaled, and where in the year, the week (and the day) it is."""
    moments = [moment(cell, form) for cell in cells]
    known = np.array([at is not None for at in moments], dtype=float)
    moments = [at or datetime(2000, 1, 1) for at in moments]
    day = np.array([(at.hour * 3600 + at.minute * 60 + at.second) / 86400 for at in moments])
    days = np.array([366 if isleap(at.year) else 365 for at in moments])
    year = np.array([at.year for at in moments]) + (np.array([at.timetuple().tm_yday - 1 for at in moments]) + day) / days
    week = (np.array([at.weekday() for at in moments]) + day) / 7
    yield known * scale(year)
    for share in [year % 1, week, day] if clock else [year % 1, week]:
        yield known * np.sin(2 * np.pi * share)
        yield known * np.cos(2 * np.pi * share)
    if missing:
        yield 1 - known
