"""What every room shares: knows no picture's origin and no training. In: nothing; out: tools."""
