"""Side-by-side benchmarks of Oxbow: `python -m bench` measures it against nginx's RTMP module and a bare C floor."""
