"""Student's t: how far the mean of few figures may be off, in their own standard deviations."""

# Upper 2.5 % points by degrees of freedom, from one on.
_UPPER = (12.706, 4.303, 3.182, 2.776, 2.571, 2.447, 2.365, 2.306, 2.262, 2.228)


def student_t(freedom: int) -> float:
    """Return the upper 2.5 % point of Student's t, so that +- it holds 95 %.

    Args:
        freedom: Degrees of freedom, at least 1.

    Returns:
        The point, right to three decimals; 1.96 in the limit.

    Example:
        >>> student_t(3), round(student_t(30), 3)
        (3.182, 2.042)
    """
    if freedom <= len(_UPPER):
        return _UPPER[freedom - 1]
    # The expansion around the normal point 1.96 (Abramowitz and Stegun, 26.7.5).
    return 1.959964 + 2.3723 / freedom + 2.8225 / freedom**2 + 2.5558 / freedom**3
