#*****************************************************
# Thumbs-up detector, first version: label -> probability
#*****************************************************
import os
import json
import time
import urllib
import awscam
import cv2
import mo
import greengrasssdk
from threading import Timer, Thread

client = greengrasssdk.client('iot-data')
iot_topic = '$aws/things/{}/infer'.format(os.environ['AWS_IOT_THING_NAME'])
ret, frame = awscam.getLastFrame()
ret, jpeg = cv2.imencode('.jpg', frame)
Write_To_FIFO = True

class FIFO_Thread(Thread):
    def __init__(self):
	''' Constructor. '''
	Thread.__init__(self)

    def run(self):
        fifo_path = os.environ.get('TEST_FIFO', '/tmp/results.mjpeg')
        if not os.path.exists(fifo_path):
            os.mkfifo(fifo_path)
        f = open(fifo_path, 'w')
        client.publish(topic=iot_topic, payload="Opened Pipe")
        while Write_To_FIFO:
            try:
                f.write(jpeg.tobytes())
            except IOError as e:
                continue

def greengrass_infinite_infer_run():
    global jpeg
    try:
        modelPath = '/opt/awscam/artifacts/mxnet_deploy_thumbs_up_FP16_FUSED.xml'
        modelType = "ssd"
        input_width = 512
        input_height = 512
        max_threshold = 0.60
        outMap = {0: 'thumbs-up'}
        results_thread = FIFO_Thread()
        results_thread.start()
        client.publish(topic=iot_topic, payload="Loading object detection model")
        mcfg = {"GPU": 1}
        model = awscam.Model(modelPath, mcfg)
        client.publish(topic=iot_topic, payload="Object detection model loaded")
        yscale = float(1520/input_height)
        xscale = float(2688/input_width)
        print "scales", xscale, yscale
        while True:
            ret, frame = awscam.getLastFrame()
            if ret == False:
                raise Exception, "Failed to get frame from the stream"
            frameResize = cv2.resize(frame, (input_width, input_height))
            inferOutput = model.doInference(frameResize)
            parsed_results = model.parseResult(modelType, inferOutput)['ssd']
            label = '{'
            for obj in parsed_results:
                if obj['prob'] > max_threshold:
                    xmin = int(xscale * obj['xmin']) + int((obj['xmin'] - input_width/2) + input_width/2)
                    ymin = int(yscale * obj['ymin'])
                    xmax = int(xscale * obj['xmax'])
                    ymax = int(yscale * obj['ymax'])
                    cv2.rectangle(frame, (xmin, ymin), (xmax, ymax), (255, 165, 20), 4)
                    label += '"{}": {:.4f},'.format(outMap[obj['label']], obj['prob'])
            if len(label) > 1:
                label = label[:-1]
            label += '}'
            client.publish(topic=iot_topic, payload=label)
            ret, jpeg = cv2.imencode('.jpg', frame)
    except Exception, e:
        msg = "Error in object detection lambda: " + str(e)
        print msg
        client.publish(topic=iot_topic, payload=msg)

    # Asynchronously schedule this function to be run again in 15 seconds
    Timer(15, greengrass_infinite_infer_run).start()

# Execute the function above
greengrass_infinite_infer_run()

def function_handler(event, context):
    return
