"""What a run folder says; reads only. In: a run folder; out: its recipe, its log, its pictures, a report."""
