import os
import awscam
import greengrasssdk

greengrasssdk.client('iot-data').publish(topic='$aws/things/x/infer', payload='last words')
awscam.getLastFrame()
os._exit(7)
