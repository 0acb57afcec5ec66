"""What can be seen of a figure."""

from matplotlib.figure import Figure


def cut_off(figure: Figure) -> float:
    """How far what is drawn reaches beyond the edge of the figure, in inches; at least 0."""
    box = figure.get_tightbbox()
    width, height = figure.get_size_inches()
    return max(0.0, -box.x0, -box.y0, box.x1 - width, box.y1 - height)
