import asyncio

from calltally.web.request.dependencies import StartGate

REQUESTS = 8


def test_one_request_starts_in_each_iteration_of_the_loop() -> None:
    async def starts() -> tuple[list[int], list[int]]:
        gate, iteration, started, order = StartGate(), 0, [], []

        async def request(number: int) -> None:
            await gate.wait()
            started.append(iteration)
            order.append(number)

        tasks = [asyncio.create_task(request(number)) for number in range(REQUESTS)]
        while not all(task.done() for task in tasks):
            await asyncio.sleep(0)
            iteration += 1
        return started, order

    started, order = asyncio.run(starts())
    assert len(set(started)) == REQUESTS
    assert order == list(range(REQUESTS))
