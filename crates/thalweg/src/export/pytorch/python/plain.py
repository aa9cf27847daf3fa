def plain(cells, decimal, group):
    """Cells such as "$5,983", "12.5 %" or "19M" as plain numbers; others are left as they are."""
    for cell in cells:
        signed = re.fullmatch(r"(\(?)\s*([-+−]?)[^\d.,]*([-−]?)\s*([\d.,'’\s]*\d[.,]?)\s*(k|K|M|bn|B)?[^\d]*", str(cell).strip())
        if text(cell) is None or signed is None:
            yield cell
            continue
        opened, before, behind, digits, magnitude = signed.groups()
        digits = re.sub(r"[\s'’]" if group in (" ", "'") else re.escape(group or " "), "", digits).replace(decimal, ".")
        value = float(digits) * {"k": 1e3, "K": 1e3, "M": 1e6, "bn": 1e9, "B": 1e9}.get(magnitude, 1)
        value = -value if opened or before in ("-", "−") or behind else value
        yield str(value).replace(".", POINT)
