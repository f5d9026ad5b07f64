"""What one request says of its visitor: device, place, language, referrer, person or robot.

A door: ingest asks for every scan, the edge only for links whose rules want to know.
"""
