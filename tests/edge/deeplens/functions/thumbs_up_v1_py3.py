"""Thumbs-up detector, first version, carried over to Python 3.7: label -> probability."""
from threading import Event, Thread
import json
import os

import awscam
import cv2
import greengrasssdk
import numpy as np


class LocalDisplay(Thread):
    def __init__(self, resolution):
        super(LocalDisplay, self).__init__()
        self.resolution = {'720p': (1280, 720), '480p': (858, 480)}[resolution]
        self.frame = cv2.imencode('.jpg', 255 * np.ones([640, 480, 3]))[1]
        self.stop_request = Event()

    def run(self):
        result_path = os.environ.get('TEST_FIFO', '/tmp/results.mjpeg')
        if not os.path.exists(result_path):
            os.mkfifo(result_path)
        with open(result_path, 'w') as fifo_file:
            while not self.stop_request.isSet():
                try:
                    fifo_file.write(self.frame.tobytes())
                except IOError:
                    continue

    def set_frame_data(self, frame):
        self.frame = cv2.imencode('.jpg', cv2.resize(frame, self.resolution))[1]

    def join(self):
        self.stop_request.set()


def infinite_infer_run():
    try:
        output_map = {0: 'thumbs-up', 1: 'thumbs-up'}
        client = greengrasssdk.client('iot-data')
        iot_topic = '$aws/things/{}/infer'.format(os.environ['AWS_IOT_THING_NAME'])
        local_display = LocalDisplay('480p')
        local_display.start()
        client.publish(topic=iot_topic, payload='Loading object detection model')
        model = awscam.Model('/opt/awscam/artifacts/mxnet_deploy_ssd_FP16_FUSED.xml', {'GPU': 1})
        client.publish(topic=iot_topic, payload='Object detection model loaded')
        ret, frame = awscam.getLastFrame()
        yscale, xscale = float(frame.shape[0] / 512), float(frame.shape[1] / 512)
        while True:
            ret, frame = awscam.getLastFrame()
            if not ret:
                raise Exception('Failed to get frame from the stream')
            parsed = model.parseResult('ssd', model.doInference(cv2.resize(frame, (512, 512))))
            cloud_output = {}
            for obj in parsed['ssd']:
                if obj['prob'] > 0.6:
                    corner = (int(xscale * obj['xmin']), int(yscale * obj['ymin']))
                    cv2.rectangle(frame, corner, (int(xscale * obj['xmax']), int(yscale * obj['ymax'])), (255, 165, 20), 10)
                    cv2.putText(frame, '{:.2f}%'.format(obj['prob'] * 100), corner, cv2.FONT_HERSHEY_SIMPLEX, 2.5, (255, 165, 20), 6)
                    cloud_output[output_map[obj['label']]] = obj['prob']
            local_display.set_frame_data(frame)
            client.publish(topic=iot_topic, payload=json.dumps(cloud_output))
    except Exception as ex:
        client.publish(topic=iot_topic, payload='Error in object detection lambda: {}'.format(ex))


infinite_infer_run()
