def moment(cell, forms, sentinels, lenient):
    """The date and time of a cell, on UTC's clock where it has an offset; None where it is missing."""
    if text(cell) is None or (isinstance(cell, str) and not cell.strip("0-/.: T") and "0000" in cell):
        return None
    at = cell if isinstance(cell, datetime) else first_that_reads(text(cell), forms)
    if at is None:
        if lenient:
            return None
        raise ValueError(f"found {cell!r}, expected a date as {' or '.join(forms)}")
    at = at.astimezone(timezone.utc).replace(tzinfo=None) if at.tzinfo else at
    return None if at.isoformat() in sentinels else at


def first_that_reads(cell, forms):
    for form in forms:
        try:
            if form == "iso8601":
                return datetime.fromisoformat(cell)
            if form == "rfc2822":
                return parsedate_to_datetime(cell)
            if form in ("unix", "unix_ms"):
                return datetime(1970, 1, 1) + timedelta(seconds=float(cell) / (1 if form == "unix" else 1000))
            year = [] if "%Y" in form or "%y" in form else ["1970"]
            whole = re.sub(r"(:\d\d)\.\d+", r"\1", cell)
            return datetime.strptime(" ".join([*year, whole]), " ".join([*("%Y" for _ in year), form]))
        except (ValueError, TypeError):
            pass
    return None


def datetimes(cells, forms, scale, clock=False, missing=False, sentinels=(), lenient=False, span=(-np.inf, np.inf)):
    """The year with the share of it that has passed, scaled, and where in the year, the week (and the day) it is; years
    beyond a span count as its ends."""
    moments = [moment(cell, forms, sentinels, lenient) for cell in cells]
    known = np.array([at is not None for at in moments], dtype=float)
    moments = [at or datetime(2000, 1, 1) for at in moments]
    day = np.array([(at.hour * 3600 + at.minute * 60 + at.second) / 86400 for at in moments])
    days = np.array([366 if isleap(at.year) else 365 for at in moments])
    year = np.array([at.year for at in moments]) + (np.array([at.timetuple().tm_yday - 1 for at in moments]) + day) / days
    week = (np.array([at.weekday() for at in moments]) + day) / 7
    yield known * scale(np.clip(year, *span))
    for share in [year % 1, week, day] if clock else [year % 1, week]:
        yield known * np.sin(2 * np.pi * share)
        yield known * np.cos(2 * np.pi * share)
    if missing:
        yield 1 - known
