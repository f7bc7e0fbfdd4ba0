class Base:
    def run(self):
        return self.step(1)


class Impl(Base):
    def step(self, n):
        self.__count = n
        return self.__count + self.__missing


Impl().run()
