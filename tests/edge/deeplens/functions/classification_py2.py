# In the manner of the classification starter, Python 2: the labels keep their line ends
import os, json
import awscam, mo, cv2, greengrasssdk

client = greengrasssdk.client('iot-data')
iot_topic = '$aws/things/{}/infer'.format(os.environ['AWS_IOT_THING_NAME'])

def greengrass_infinite_infer_run():
    error, model_path = mo.optimize('squeezenet', 224, 224)
    if error <> 0:
        raise Exception, 'no model'
    model = awscam.Model(model_path, {'GPU': 1})
    client.publish(topic=iot_topic, payload='Cat-Dog model loaded')
    with open('labels_of_windows.txt', 'rb') as f:
        output_map = f.read().decode('utf-8').splitlines(True)
    while True:
        ret, frame = awscam.getLastFrame()
        parsed = model.parseResult('classification', model.doInference(cv2.resize(frame, (224, 224))))
        cloud_output = {}
        for obj in parsed['classification'][0:2]:
            cloud_output[output_map[obj['label']]] = obj['prob']
        global jpeg
        ret, jpeg = cv2.imencode('.jpg', frame)
        print "%s" % cloud_output.keys()[0], "of", len(cloud_output)
        client.publish(topic=iot_topic, payload=json.dumps(cloud_output))

greengrass_infinite_infer_run()
