# MQTT beside other tasks: one publishes readings, one listens, one does something else all the time.

import asyncio
from umqtt.aio import MQTTClient

SERVER = "broker.example"  # the address of your broker
READINGS = 5


async def publish(client):
    for number in range(READINGS):
        await client.publish("room/readings", str(number), qos=1)
        await asyncio.sleep(0.1)


async def blink(turns):
    # Your LED, display, pump: whatever must not wait for the network.
    while True:
        turns[0] += 1
        await asyncio.sleep(0.01)


async def main():
    turns = [0]
    blinker = asyncio.create_task(blink(turns))
    client = MQTTClient("room-1", SERVER)
    await client.connect()
    await client.subscribe("room/readings", 1)
    publisher = asyncio.create_task(publish(client))
    count = 0
    async for topic, msg in client:
        print(topic.decode(), msg.decode())
        count += 1
        if count == READINGS:
            break
    await publisher
    await client.disconnect()
    blinker.cancel()
    print("blinked meanwhile:", turns[0] > READINGS)


asyncio.run(main())
