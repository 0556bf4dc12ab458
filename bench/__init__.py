"""Side-by-side benchmarks: `python -m bench` measures Oxbow beside nginx's RTMP module and a bare C floor."""
