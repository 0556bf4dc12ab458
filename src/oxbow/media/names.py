"""What the files in a stream's directory are called."""

FLV_LOG = "flv"
"""The stream itself."""
RTMP_LOG = "rtmp"
HLS_DIRECTORY = "hls"
