"""What every page of a study is made of: its style, its words for numbers, its marks, and figures as SVG."""
