"""What the benchmarks compare against, and how they count."""
