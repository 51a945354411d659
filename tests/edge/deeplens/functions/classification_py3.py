"""In the manner of the classification starter, Python 3.7."""
from threading import Thread, Event
import os
import json
import numpy as np
import awscam
import cv2
import greengrasssdk
import mo


class LocalDisplay(Thread):
    def __init__(self, resolution):
        super().__init__()
        RESOLUTION = {'1080p': (1920, 1080), '720p': (1280, 720), '480p': (858, 480)}
        self.resolution = RESOLUTION[resolution]
        self.frame = cv2.imencode('.jpg', 255 * np.ones([640, 480, 3]))[1]
        self.stop_request = Event()

    def run(self):
        result_path = os.environ.get('TEST_FIFO', '/tmp/results.mjpeg')
        if not os.path.exists(result_path):
            os.mkfifo(result_path)
        with open(result_path, 'w') as fifo_file:
            while not self.stop_request.isSet():
                try:
                    fifo_file.write(self.frame.tostring())
                except IOError:
                    continue

    def set_frame_data(self, frame):
        ret, jpeg = cv2.imencode('.jpg', cv2.resize(frame, self.resolution))
        if not ret:
            raise Exception('Failed to set frame data')
        self.frame = jpeg


def infinite_infer_run():
    try:
        model_type = 'classification'
        client = greengrasssdk.client('iot-data')
        iot_topic = '$aws/things/{}/infer'.format(os.environ['AWS_IOT_THING_NAME'])
        local_display = LocalDisplay('480p')
        local_display.start()
        error, model_path = mo.optimize('squeezenet', 224, 224, platform='caffe', aux_inputs={'--epoch': 1})
        if error:
            raise Exception('no model')
        client.publish(topic=iot_topic, payload='Loading action cat-dog model')
        model = awscam.Model(model_path, {'GPU': 1})
        client.publish(topic=iot_topic, payload='Cat-Dog model loaded')
        with open('labels.txt', 'r') as f:
            output_map = [l.rstrip() for l in f]
        num_top_k = 2
        while True:
            ret, frame = awscam.getLastFrame()
            if not ret:
                raise Exception('Failed to get frame from the stream')
            frame_resize = cv2.resize(frame, (224, 224))
            parsed = model.parseResult(model_type, model.doInference(frame_resize))
            top_k = parsed[model_type][0:num_top_k]
            cv2.putText(frame, output_map[top_k[0]['label']], (10, 70), cv2.FONT_HERSHEY_SIMPLEX, 3, (255, 165, 20), 8)
            local_display.set_frame_data(frame)
            cloud_output = {}
            for obj in top_k:
                cloud_output[output_map[obj['label']]] = obj['prob']
            client.publish(topic=iot_topic, payload=json.dumps(cloud_output))
    except Exception as ex:
        print('Error in lambda', ex)
        client.publish(topic=iot_topic, payload='Error in classification lambda: {}'.format(ex))


infinite_infer_run()


def function_handler(event, context):
    return
