"""Thumbs-up detector, later version, Python 3: one record per frame."""
import datetime
import json
import os

import awscam
import cv2
import greengrasssdk

client = greengrasssdk.client('iot-data')
thing = os.environ['AWS_IOT_THING_NAME']
model = awscam.Model('/opt/awscam/artifacts/deploy_model_algo_1.xml', {'GPU': 0}, runtime=0)
client.publish(topic='$aws/things/{}/infer'.format(thing), payload='Object detection model loaded', qos=0)

while True:
    ok, frame = awscam.getLastFrame()
    if not ok:
        raise RuntimeError('no frame')
    small = cv2.resize(frame, (512, 512))
    found = [o for o in model.parseResult('ssd', model.doInference(small))['ssd'] if o['prob'] > 0.9]
    for o in found:
        x, y = frame.shape[1] / 512, frame.shape[0] / 512
        corner = (int(o['xmin'] * x), int(o['ymin'] * y))
        cv2.rectangle(frame, corner, (int(o['xmax'] * x), int(o['ymax'] * y)), (255, 165, 20), 4)
        cv2.putText(frame, '{}: {:.2%}'.format(o['label'], o['prob']), corner, cv2.FONT_HERSHEY_SIMPLEX, 2.5, (255, 165, 20), 6)
    record = {
        'device_id': thing,
        'timestamp': datetime.datetime.now().strftime('%Y%m%d-%H%M%S'),
        'objects': [{'index': i, 'object': 'thumbs-up', 'confidence': o['prob']} for i, o in enumerate(found)],
    }
    client.publish(topic='$aws/things/{}/infer'.format(thing), payload=json.dumps(record).encode())
