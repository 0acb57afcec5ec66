"""Pages, pictures and charts: how results are shown, whatever they are results of."""
